-- What a row holds and refers to, loosely: values that may be equal have equal texts here; Python compares exactly.
-- $faces: one text for each set of columns in question; of the plain rows, deleted ones too.
CREATE OR REPLACE TEMP TABLE $name AS
SELECT newest.id AS id, newest.gone AS gone$faces
FROM $source AS part
JOIN _satchel_ledger AS packet ON packet.origin = part._change.origin AND packet.seq = part._change.seq
JOIN $plain AS newest ON newest.id = $key AND newest."no" = packet."no"
