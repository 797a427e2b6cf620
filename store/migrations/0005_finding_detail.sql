-- What a rule has to say of a finding beyond value, limit and time: the nights of `watch`, what
-- explains a silence, when a person's own threshold expires. Becomes part of the evidence.

ALTER TABLE finding ADD COLUMN detail text NOT NULL DEFAULT '';
