-- SPDX-License-Identifier: Apache-2.0
-- Variants are shown while others of the same generation are still made, so each says to which generation it belongs.

ALTER TABLE variant ADD COLUMN generation bigint CHECK (generation > 0);
UPDATE variant SET generation = substring(stored_name FROM '-g([0-9]+)[.]')::bigint;
UPDATE variant SET generation = image.generation FROM image WHERE image.id = variant.image AND variant.generation IS NULL;
ALTER TABLE variant ALTER COLUMN generation SET NOT NULL;
COMMENT ON COLUMN variant.generation IS 'Of the image, for which it was made';
