-- One text for all values that some database may take for equal: 5, 5.0 and '5'; 'a', 'A' and 'a '.
CREATE TEMP MACRO _satchel_loose(value) AS coalesce(TRY_CAST(value AS DOUBLE)::VARCHAR, lower(rtrim(value)))
