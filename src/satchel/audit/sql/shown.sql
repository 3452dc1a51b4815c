-- The rows of one table as they are shown: those that are one version as it was written, and those that were put
-- together of several or by a constraint.
-- $plain: id and packet of the former; $special: the latter.
SELECT $columns
FROM $source AS part
JOIN _satchel_ledger AS packet ON packet.origin = part._satchel_change_origin AND packet.seq = part._satchel_change_seq
JOIN (FROM $plain WHERE NOT gone) AS newest ON newest.id = $key AND newest."no" = packet."no"
UNION ALL
SELECT $special_columns
FROM $special AS part
