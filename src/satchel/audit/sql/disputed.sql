-- Rows of which some version had not seen the one before it: at some time two of them did not know of each other.
SELECT DISTINCT id
FROM (
    SELECT version.id AS id, version."no" AS "no", version.odd AS odd,
           lag(version."no") OVER (PARTITION BY version.id ORDER BY version.rank) AS before
    FROM _satchel_version AS version
) AS pair
JOIN _satchel_ledger AS upper ON upper."no" = pair."no"
JOIN _satchel_ledger AS lower ON lower."no" = pair.before
WHERE pair.odd OR coalesce(upper.saw[lower.who], 0) < lower.seq
