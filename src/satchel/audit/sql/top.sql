-- The version of each row with the highest rank.
CREATE OR REPLACE TEMP TABLE _satchel_top AS
SELECT id, (best // 2) % 4294967296 AS "no", best % 2 = 1 AS gone, count AS versions, odd
FROM (
    SELECT id, max(rank * 2 + gone::INTEGER) AS best, count(*) AS count, bool_or(odd) AS odd
    FROM _satchel_version
    GROUP BY id
)
