-- SPDX-License-Identifier: Apache-2.0
-- Keys, products, images with their variants, and the names of files to be removed.
-- Runs inside the migration's transaction. A migration that was applied anywhere never changes: add the next number.

CREATE TABLE api_key (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    public_part text NOT NULL UNIQUE CHECK (public_part ~ '^[0-9a-f]{16}$'),
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    scopes integer NOT NULL CHECK (scopes BETWEEN 1 AND 7),
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
COMMENT ON TABLE api_key IS 'Who may write. The key itself is nowhere.';
COMMENT ON COLUMN api_key.name IS 'What the operator calls it';
COMMENT ON COLUMN api_key.public_part IS 'The part of the key that finds the row';
COMMENT ON COLUMN api_key.sha256 IS 'SHA-256 of the whole key';
COMMENT ON COLUMN api_key.scopes IS 'Bits: 1 upload, 2 operate, 4 admin';
COMMENT ON COLUMN api_key.revoked_at IS 'The key counts no more from then on';

CREATE TABLE product (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    slug text NOT NULL CONSTRAINT product_slug_key UNIQUE CHECK (slug <> ''),
    description text NOT NULL DEFAULT '',
    price numeric(12, 2) CHECK (price >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE product IS 'What is for sale';
COMMENT ON COLUMN product.slug IS 'Its name in addresses';
COMMENT ON COLUMN product.price IS 'Null: not told';

CREATE TABLE image (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    product bigint REFERENCES product (id),
    api_key bigint REFERENCES api_key (id),
    stored_name text NOT NULL CONSTRAINT image_stored_name_key UNIQUE,
    alt_text text NOT NULL DEFAULT '' CHECK (char_length(alt_text) <= 200),
    caption text NOT NULL DEFAULT '' CHECK (char_length(caption) <= 200),
    is_primary boolean NOT NULL DEFAULT false,
    sort_order bigint NOT NULL DEFAULT 0,
    uploaded_at timestamptz NOT NULL DEFAULT now(),
    format text NOT NULL CHECK (format IN ('jpeg', 'png', 'webp')),
    bytes bigint NOT NULL CHECK (bytes > 0),
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'processing', 'ready', 'failed')),
    generation bigint NOT NULL DEFAULT 1 CHECK (generation > 0),
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    changed_at timestamptz NOT NULL DEFAULT now(),
    error text,
    error_sentence text,
    width_px integer CHECK (width_px > 0),
    height_px integer CHECK (height_px > 0),
    profile text,
    blurhash text,
    dominant_colour text CHECK (dominant_colour ~ '^#[0-9a-f]{6}$'),
    processed_at timestamptz,
    CONSTRAINT image_primary_has_product CHECK (NOT is_primary OR product IS NOT NULL),
    CONSTRAINT image_failed_has_error CHECK ((status = 'failed') = (error IS NOT NULL)),
    CONSTRAINT image_ready_is_whole CHECK (
        status <> 'ready'
        OR (width_px IS NOT NULL AND height_px IS NOT NULL AND profile IS NOT NULL AND processed_at IS NOT NULL))
);
COMMENT ON TABLE image IS 'An uploaded original, and what is owed to it';
COMMENT ON COLUMN image.product IS 'Null: an upload of no product';
COMMENT ON COLUMN image.api_key IS 'The key that uploaded it; null: none';
COMMENT ON COLUMN image.stored_name IS 'Name of the original in the storage; its bytes never change';
COMMENT ON COLUMN image.sort_order IS 'Place among the images of its product, then uploaded_at, then id';
COMMENT ON COLUMN image.format IS 'By content, not by name';
COMMENT ON COLUMN image.bytes IS 'Size of the original';
COMMENT ON COLUMN image.sha256 IS 'SHA-256 of the original';
COMMENT ON COLUMN image.status IS 'pending and processing are owed; ready and failed are settled';
COMMENT ON COLUMN image.generation IS 'Counts how often it was asked to be made; work for another generation changes nothing';
COMMENT ON COLUMN image.attempts IS 'How often work on it was begun, over all generations';
COMMENT ON COLUMN image.changed_at IS 'When status or generation last changed';
COMMENT ON COLUMN image.error IS 'Word of the error that a client sees; only where failed';
COMMENT ON COLUMN image.error_sentence IS 'The same for the operator';
COMMENT ON COLUMN image.width_px IS 'After EXIF orientation; null while unknown';
COMMENT ON COLUMN image.height_px IS 'After EXIF orientation; null while unknown';
COMMENT ON COLUMN image.profile IS 'Name of the profile that made its variants';
COMMENT ON COLUMN image.blurhash IS 'Null while unknown';
COMMENT ON COLUMN image.dominant_colour IS '#rrggbb; null while unknown';
COMMENT ON COLUMN image.processed_at IS 'When it last became ready';

CREATE UNIQUE INDEX image_one_primary ON image (product) WHERE is_primary;
CREATE INDEX image_by_product ON image (product, sort_order, uploaded_at, id);
CREATE INDEX image_owed ON image (id) WHERE status IN ('pending', 'processing');
CREATE INDEX image_by_sha256 ON image (sha256);

CREATE TABLE variant (
    image bigint NOT NULL REFERENCES image (id) ON DELETE CASCADE,
    name text NOT NULL CHECK (name <> ''),
    place smallint NOT NULL CHECK (place > 0),
    stored_name text NOT NULL CONSTRAINT variant_stored_name_key UNIQUE,
    format text NOT NULL CHECK (format IN ('jpeg', 'png', 'webp')),
    width_px integer NOT NULL CHECK (width_px > 0),
    height_px integer NOT NULL CHECK (height_px > 0),
    bytes bigint NOT NULL CHECK (bytes > 0),
    PRIMARY KEY (image, name)
);
COMMENT ON TABLE variant IS 'A file that was made of an image and is shown';
COMMENT ON COLUMN variant.name IS 'Of the profile: thumbnail, medium, webp';
COMMENT ON COLUMN variant.place IS 'In the profile, from 1';
COMMENT ON COLUMN variant.stored_name IS 'Name of its file in the storage; holds the generation';

CREATE TABLE tombstone (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stored_name text NOT NULL CONSTRAINT tombstone_stored_name_key UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE tombstone IS 'Files that no row refers to any more and that are to be removed';
COMMENT ON COLUMN tombstone.created_at IS 'Since when; a file stays a while for those who still read it';
CREATE INDEX tombstone_by_age ON tombstone (created_at, id);
