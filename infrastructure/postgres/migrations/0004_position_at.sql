-- From an instant to a position, for reading the past.

create function log.position_at(instant timestamptz) returns bigint language plpgsql stable as $$
declare
    -- The clocks of two processes are taken to differ by less than this.
    skew  constant interval := interval '1 minute';
    bound timestamptz;
    low   bigint := 0;
    high  bigint;
    found timestamptz;
    start bigint;
begin
    foreach bound in array array[instant - skew, instant] loop
        select coalesce(max(position), 0) + 1 into high from log.records;
        while high - low > 1 loop
            select recorded_at into found from log.records where position = (low + high) / 2;
            if found <= bound then
                low := (low + high) / 2;
            else
                high := (low + high) / 2;
            end if;
        end loop;
        start := coalesce(start, low);
    end loop;
    return coalesce((select min(position) from log.records where position > start and position <= low and recorded_at > instant) - 1, low);
end
$$;
comment on function log.position_at is 'The last position before the first record that is later than an instant: what "as of" an instant means.';
