-- SPDX-License-Identifier: Apache-2.0
-- Images that were made in a hurry, and are owed a second pass.

ALTER TABLE image ADD COLUMN to_refine boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN image.to_refine IS 'Its variants were made at effort_busy: while ready, a refinement is owed';
DROP INDEX image_owed;
CREATE INDEX image_owed ON image (id) WHERE status IN ('pending', 'processing') OR (status = 'ready' AND to_refine);
