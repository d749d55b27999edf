-- SPDX-License-Identifier: Apache-2.0
-- Dead letters, how urgent an image is, whose its work is, profiles that are asked for, and what operators set.

CREATE TABLE profile (
    identity text PRIMARY KEY CHECK (identity <> ''),
    json text NOT NULL CHECK (octet_length(json) BETWEEN 1 AND 65536),
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE profile IS 'Profiles that images were asked to be made with. A row never changes: images refer to it';
COMMENT ON COLUMN profile.identity IS 'Name and digest of what it says';
COMMENT ON COLUMN profile.json IS 'Its text, as a profile''s file has it';
COMMENT ON COLUMN profile.created_at IS 'When it was first asked for';

ALTER TABLE image
    ADD COLUMN class smallint NOT NULL DEFAULT 0 CHECK (class BETWEEN 0 AND 2),
    ADD COLUMN fence bigint NOT NULL DEFAULT 0 CHECK (fence >= 0),
    ADD COLUMN wanted_profile text REFERENCES profile (identity);
COMMENT ON COLUMN image.class IS 'With what urgency it is owed: 0 high, 1 normal, 2 low';
COMMENT ON COLUMN image.fence IS 'Token of the lease under which work on it was last begun; 0: never';
COMMENT ON COLUMN image.wanted_profile IS 'Profile that it is to be made with; null: the worker''s own';

CREATE TABLE dead_letter (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job text NOT NULL CONSTRAINT dead_letter_job_key UNIQUE CHECK (job <> ''),
    image bigint REFERENCES image (id) ON DELETE CASCADE,
    generation bigint CHECK (generation > 0),
    reason text NOT NULL CHECK (reason <> ''),
    sentence text NOT NULL,
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    crashes integer NOT NULL DEFAULT 0 CHECK (crashes >= 0),
    enqueued_at timestamptz,
    buried_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE dead_letter IS 'Jobs that were given up on; one goes when its image is asked for again';
COMMENT ON COLUMN dead_letter.job IS 'Its name in the queue';
COMMENT ON COLUMN dead_letter.image IS 'Null: not known, the job could not be read';
COMMENT ON COLUMN dead_letter.generation IS 'Of the image; null: not known';
COMMENT ON COLUMN dead_letter.reason IS 'Word of the last error';
COMMENT ON COLUMN dead_letter.sentence IS 'The last error, for the operator';
COMMENT ON COLUMN dead_letter.attempts IS 'Failures that might have passed';
COMMENT ON COLUMN dead_letter.crashes IS 'Deaths of codecs and workers that had it';
COMMENT ON COLUMN dead_letter.enqueued_at IS 'Null: not known';
COMMENT ON COLUMN dead_letter.buried_at IS 'When it was last given up on';
CREATE INDEX dead_letter_by_reason ON dead_letter (reason, id);
CREATE INDEX dead_letter_by_age ON dead_letter (buried_at, id);
CREATE INDEX dead_letter_by_image ON dead_letter (image);

CREATE TABLE control (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    is_paused boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE control IS 'What operators set for all processes at once; one row';
COMMENT ON COLUMN control.is_only IS 'Keeps it one row';
COMMENT ON COLUMN control.is_paused IS 'No job is handed out';
INSERT INTO control DEFAULT VALUES;
