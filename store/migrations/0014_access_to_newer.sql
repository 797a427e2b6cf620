-- What staff may see and do of what came with 0010 and 0011, beside `0014_feeds_of_staff`: an alert
-- whom it asked, for the daily report when we could hear, and how many webhooks there are.

GRANT SELECT ON journal TO doorstep_staff;
GRANT UPDATE (told) ON alert TO doorstep_carer;

-- How many there are, of all grids: there is a bound.
DO $do$
BEGIN
    EXECUTE format($f$
        CREATE FUNCTION webhooks_in_all() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
        SET search_path = %I, pg_temp
        AS $$ SELECT count(*) FROM subscriber WHERE kind = 'webhook' $$
    $f$, current_schema());
END
$do$;
REVOKE EXECUTE ON FUNCTION webhooks_in_all FROM PUBLIC;
GRANT EXECUTE ON FUNCTION webhooks_in_all TO doorstep_staff;
