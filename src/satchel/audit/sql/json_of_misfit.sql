-- A value that its column's type cannot hold, as JSON (INTERFACE): exactly, as it stood in the author's database.
CREATE TEMP MACRO _satchel_json_of_misfit(misfit) AS
CASE misfit."class"
    WHEN 'integer' THEN CASE
        WHEN abs(decode(misfit."value")::HUGEINT) > 9007199254740992 THEN to_json(decode(misfit."value"))
        ELSE to_json(decode(misfit."value")::BIGINT)
    END
    WHEN 'real' THEN CASE
        WHEN isfinite(decode(misfit."value")::DOUBLE) THEN to_json(decode(misfit."value")::DOUBLE)
        ELSE to_json(decode(misfit."value"))
    END
    WHEN 'text' THEN coalesce(
        to_json(TRY(decode(misfit."value"))),
        json_object('text_base64', to_base64(misfit."value"))
    )
    WHEN 'blob' THEN json_object('base64', to_base64(misfit."value"))
END
