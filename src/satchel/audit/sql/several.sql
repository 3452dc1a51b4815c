-- Rows of which the version with the highest rank has not seen all others: they are looked at one by one.
CREATE OR REPLACE TEMP TABLE _satchel_several AS
SELECT DISTINCT version.id AS id
FROM _satchel_version AS version
JOIN (FROM _satchel_top WHERE versions > 1) AS top ON top.id = version.id
JOIN _satchel_ledger AS upper ON upper."no" = top."no"
JOIN _satchel_ledger AS lower ON lower."no" = version."no"
WHERE top.odd OR (version."no" <> top."no" AND coalesce(upper.saw[lower.who], 0) < lower.seq)
