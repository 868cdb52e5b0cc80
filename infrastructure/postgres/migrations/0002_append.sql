-- The leaf of the Merkle tree. Twin: infrastructure/postgres/leaf.py; a test holds the two equal.
create function log.leaf_text(given text) returns bytea language sql stable parallel safe as $$
    select int4send(octet_length(given)) || convert_to(given, 'UTF8')
$$;
comment on function log.leaf_text is 'A text in a leaf: UTF-8 with its length in bytes in front.';

create function log.leaf_of_parts(
    "position" bigint, organization_id uuid, organization_seq bigint, event_id uuid, stream_id uuid, stream_type_text bytea,
    version int, type_text bytea, type_version int, recorded_at timestamptz, data_hash bytea, meta_hash bytea
) returns bytea language sql stable parallel safe as $$
    select '\x01'::bytea
        || int8send("position")
        || uuid_send(organization_id)
        || int8send(organization_seq)
        || uuid_send(event_id)
        || uuid_send(stream_id)
        || stream_type_text
        || int4send(version)
        || type_text
        || int4send(type_version)
        || timestamptz_send(recorded_at)
        || data_hash
        || meta_hash
$$;
comment on function log.leaf_of_parts is 'log.leaf, when what many records have in common was encoded and hashed before: log.leaf_text, sha256.';

create function log.leaf(
    "position" bigint, organization_id uuid, organization_seq bigint, event_id uuid, stream_id uuid, stream_type text,
    version int, type text, type_version int, recorded_at timestamptz, data bytea, meta bytea
) returns bytea language sql stable parallel safe as $$
    select log.leaf_of_parts(
        "position", organization_id, organization_seq, event_id, stream_id, log.leaf_text(stream_type),
        version, log.leaf_text(type), type_version, recorded_at, sha256(data), sha256(meta))
$$;
comment on function log.leaf is 'What a record is hashed as: version byte 1, integers big-endian, texts with their length in front.';

-- What the append takes in lists. Rows of several columns cost the driver and the server less than an array for each column.
create type log.new_record as (
    occasion         int,                  -- ordinal in the arrays occasion_…
    kind             int,                  -- ordinal in stream_types, types, type_versions
    nth              int,                  -- its number among the records of its organization
    event_id         uuid,
    stream_id        uuid,
    version          int,
    data             bytea
);
create type log.keyed_unit as (
    component        int,
    organization_id  uuid,
    key              bytea,
    request          bytea,
    reply            bytea,                -- null: only looked up
    last_record      int                   -- ordinal of the unit's last record; 0: it has none
);
create type log.key_use as (
    component        int,
    organization_id  uuid,
    scope            text,
    key              bytea,
    stream_id        uuid
);

-- Append components of units of work and say what became of each. One call is one batch.
--
-- Everything comes as arrays, components numbered from 1. A component with a finding (a key in the ledger, a moved
-- stream, a taken unique key) writes nothing; the others are written. The findings name ordinals of the arrays.
-- Needs READ COMMITTED: each statement must see what was committed before the lock was taken.
create function log.append(
    organizations            uuid[],         -- the distinct organizations of the records
    stream_types             text[],         -- the distinct kinds of the records
    types                    text[],
    type_versions            int[],
    occasion_components      int[],          -- per occasion: what the records of a unit have in common
    occasion_organizations   int[],          -- ordinal in organizations
    occasion_metas           bytea[],
    occasion_times           bigint[],       -- microseconds since 2000-01-01 UTC
    records                  log.new_record[],  -- ordered by component
    expected_streams         uuid[],         -- per distinct precondition
    expected_versions        int[],
    holding_components       int[],          -- per (component, precondition)
    held_expectations        int[],          -- ordinal in expected_streams
    ledger                   log.keyed_unit[],
    releases                 log.key_use[],  -- unique keys given back
    claims                   log.key_use[],  -- unique keys taken
    claim_lasts              boolean[],      -- false: checked, but a later unit of the component gives it back
    erased_components        int[],          -- per person key to delete
    erased_keys              uuid[],
    out head                 bigint,         -- the last position before this append
    out replayed             int[],          -- ledger ordinals that were found, with what was found
    out replayed_requests    bytea[],
    out replayed_replies     bytea[],
    out replayed_positions   bigint[],
    out moved                int[],          -- ordinals in expected_streams
    out taken                int[]           -- ordinals of claims
) language plpgsql as $$
declare
    failed             int[];
    organization_heads bigint[];
    places             int[];                -- per record, when there are failed components: its ordinal without theirs,
    nths               int[];                -- and likewise its number among the records of its organization
    stream_type_texts  bytea[];
    type_texts         bytea[];
    meta_hashes        bytea[];
    recorded_ats       timestamptz[];
    appended           bigint;
begin
    -- Before the lock: what needs no look at the log.
    select array_agg(log.leaf_text(stream_type) order by kind), array_agg(log.leaf_text(type) order by kind)
    into stream_type_texts, type_texts
    from unnest(stream_types, types) with ordinality as distinct_kind (stream_type, type, kind);
    select array_agg(sha256(meta) order by occasion),
        array_agg(timestamptz '2000-01-01 00:00:00+00' + microseconds * interval '1 microsecond' order by occasion)
    into meta_hashes, recorded_ats
    from unnest(occasion_metas, occasion_times) with ordinality as given (meta, microseconds, occasion);

    perform pg_advisory_xact_lock(1937006946, 1);

    -- Here and below, `offset 0` keeps a look-up per row: as a plain join, planned while the table is small, it may read all of it.
    select array_agg(asked.ordinal), array_agg(found.request), array_agg(found.reply), array_agg(found.position),
        array_agg(asked.component)
    into replayed, replayed_requests, replayed_replies, replayed_positions, failed
    from unnest(ledger) with ordinality as asked (component, organization_id, key, request, reply, last_record, ordinal)
    cross join lateral (
        select c.request, c.reply, c.position from log.commands as c
        where c.key = asked.key and c.organization_id = asked.organization_id
        offset 0
    ) as found;

    -- Versions of a stream have no gaps: it is where it is expected when that version is there (0 never is) and the next is not.
    select array_agg(expected.ordinal) into moved
    from unnest(expected_streams, expected_versions) with ordinality as expected (stream_id, version, ordinal)
    left join lateral (
        select r.version from log.records as r
        where r.stream_id = expected.stream_id and r.version between expected.version and expected.version + 1
        offset 0
    ) as there on true
    where there.version is distinct from nullif(expected.version, 0);

    if cardinality(claims) > 0 then
        select array_agg(claimed.ordinal) into taken
        from unnest(claims) with ordinality as claimed (component, organization_id, scope, key, stream_id, ordinal)
        cross join lateral (
            select k.stream_id from log.unique_keys as k
            where k.organization_id = claimed.organization_id and k.scope = claimed.scope and k.key = claimed.key
            offset 0
        ) as held
        where held.stream_id <> claimed.stream_id
        and not exists (
            select from unnest(releases) as released
            where released = row (claimed.component, claimed.organization_id, claimed.scope, claimed.key, held.stream_id)::log.key_use
        );
    end if;

    failed := coalesce(failed, '{}');
    if moved is not null then
        failed := failed || array(
            select holding.component from unnest(holding_components, held_expectations) as holding (component, expectation)
            where holding.expectation = any (moved));
    end if;
    if taken is not null then
        failed := failed || array(select claims[ordinal].component from unnest(taken) as ordinal);
    end if;
    if failed <> '{}' then
        select array_agg(place order by ordinal), array_agg(nth order by ordinal) into places, nths
        from (
            select ordinal,
                count(*) filter (where written) over (order by ordinal) as place,
                count(*) filter (where written) over (partition by organization order by ordinal) as nth
            from (
                select ordinal, occasion_organizations[occasion] as organization,
                    occasion_components[occasion] <> all (failed) as written
                from unnest(records) with ordinality as given (occasion, kind, nth, event_id, stream_id, version, data, ordinal)
            ) as given
        ) as counted;
    end if;

    head := coalesce((select max(position) from log.records), 0);
    organization_heads := array(
        select coalesce((select max(r.organization_seq) from log.records as r where r.organization_id = o.organization_id), 0)
        from unnest(organizations) with ordinality as o (organization_id, ordinal) order by o.ordinal);

    insert into log.records
    select n.position, n.organization_id, n.organization_seq, n.event_id, n.stream_id, stream_types[n.kind], n.version,
        types[n.kind], n.type_version, n.data, occasion_metas[n.occasion], n.recorded_at,
        sha256('\x00'::bytea || log.leaf_of_parts(
            n.position, n.organization_id, n.organization_seq, n.event_id, n.stream_id, stream_type_texts[n.kind], n.version,
            type_texts[n.kind], n.type_version, n.recorded_at, sha256(n.data), meta_hashes[n.occasion]))
    from (
        select
            head + coalesce(places[ordinal], ordinal) as position,
            organizations[occasion_organizations[occasion]] as organization_id,
            organization_heads[occasion_organizations[occasion]] + coalesce(nths[ordinal], nth) as organization_seq,
            type_versions[kind] as type_version, recorded_ats[occasion] as recorded_at,
            occasion, kind, event_id, stream_id, version, data
        from unnest(records) with ordinality as given (occasion, kind, nth, event_id, stream_id, version, data, ordinal)
        where occasion_components[occasion] <> all (failed)
        offset 0  -- keeps these expressions from being computed again for the leaf
    ) as n;
    get diagnostics appended = row_count;

    insert into log.commands (organization_id, key, request, reply, position)
    select organization_id, key, request, reply,
        head + case when last_record = 0 then appended else coalesce(places[last_record], last_record) end
    from unnest(ledger)
    where reply is not null and component <> all (failed);

    if cardinality(releases) > 0 then
        delete from log.unique_keys as held
        using unnest(releases) as released
        where held.organization_id = released.organization_id and held.scope = released.scope and held.key = released.key
        and held.stream_id = released.stream_id and released.component <> all (failed);
    end if;

    if cardinality(claims) > 0 then
        insert into log.unique_keys
        select distinct claimed.organization_id, claimed.scope, claimed.key, claimed.stream_id
        from unnest(claims, claim_lasts) as claimed (component, organization_id, scope, key, stream_id, lasts)
        left join lateral (
            select k.stream_id from log.unique_keys as k
            where k.organization_id = claimed.organization_id and k.scope = claimed.scope and k.key = claimed.key
            offset 0
        ) as held on true
        where claimed.lasts and claimed.component <> all (failed) and held.stream_id is null;
    end if;

    if cardinality(erased_keys) > 0 then
        delete from log.person_keys
        where id in (select key from unnest(erased_components, erased_keys) as erased (component, key) where component <> all (failed));
    end if;
end
$$;
-- A session plans these statements once, perhaps while the tables are empty: only index look-ups stay right as they grow.
alter function log.append set enable_seqscan = off;
alter function log.append set enable_hashjoin = off;
alter function log.append set enable_mergejoin = off;
alter function log.append set plan_cache_mode = force_generic_plan;
alter function log.append set jit = off;
comment on function log.append is 'Writes the components whose preconditions hold, at gap-free positions in commit order, and names what failed.';
