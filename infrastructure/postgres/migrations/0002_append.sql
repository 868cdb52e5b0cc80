-- The leaf of the Merkle tree. Twin: infrastructure/postgres/leaf.py; a test holds the two equal.
create function log.leaf(
    "position" bigint, organization_id uuid, organization_seq bigint, event_id uuid, stream_id uuid, stream_type text,
    version int, type text, type_version int, recorded_at timestamptz, data bytea, meta bytea
) returns bytea language sql stable parallel safe as $$
    select '\x01'::bytea
        || int8send("position")
        || uuid_send(organization_id)
        || int8send(organization_seq)
        || uuid_send(event_id)
        || uuid_send(stream_id)
        || int4send(octet_length(stream_type)) || convert_to(stream_type, 'UTF8')
        || int4send(version)
        || int4send(octet_length(type)) || convert_to(type, 'UTF8')
        || int4send(type_version)
        || timestamptz_send(recorded_at)
        || sha256(data)
        || sha256(meta)
$$;
comment on function log.leaf is 'What a record is hashed as: version byte 1, integers big-endian, texts with their length in front.';

-- Append components of units of work and say what became of each. One call is one batch.
--
-- Everything comes as parallel arrays, components numbered from 1. A component with a finding (a key in the ledger, a
-- moved stream, a taken unique key) writes nothing; the others are written. The findings name ordinals of the arrays.
-- Needs READ COMMITTED: each statement must see what was committed before the lock was taken.
create function log.append(
    component_records        int[],          -- per component: how many records it has
    organizations            uuid[],         -- the distinct organizations of the records
    stream_types             text[],         -- the distinct kinds of the records
    types                    text[],
    type_versions            int[],
    record_components        int[],          -- per record, ordered by component
    record_organizations     int[],          -- ordinal in organizations
    record_nths              int[],          -- its number among the records of its organization
    record_kinds             int[],          -- ordinal in stream_types, types, type_versions
    event_ids                uuid[],
    stream_ids               uuid[],
    versions                 int[],
    datas                    bytea[],
    metas                    bytea[],
    recorded_ats             timestamptz[],
    expected_streams         uuid[],         -- per distinct precondition
    expected_versions        int[],
    holding_components       int[],          -- per (component, precondition)
    held_expectations        int[],          -- ordinal in expected_streams
    ledger_components        int[],          -- per keyed unit
    ledger_organizations     uuid[],
    ledger_keys              bytea[],
    ledger_requests          bytea[],
    ledger_replies           bytea[],        -- null: only looked up
    ledger_records           int[],          -- ordinal of the unit's last record; 0: it has none
    release_components       int[],          -- per unique key given back
    release_organizations    uuid[],
    release_scopes           text[],
    release_keys             bytea[],
    release_streams          uuid[],
    claim_components         int[],          -- per unique key taken
    claim_organizations      uuid[],
    claim_scopes             text[],
    claim_keys               bytea[],
    claim_streams            uuid[],
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
    withheld           int[];                -- per component: records that failed components up to it do not write
    appended           bigint;
begin
    perform pg_advisory_xact_lock(1937006946, 1);

    select array_agg(asked.ordinal), array_agg(found.request), array_agg(found.reply), array_agg(found.position),
        array_agg(asked.component)
    into replayed, replayed_requests, replayed_replies, replayed_positions, failed
    from unnest(ledger_components, ledger_organizations, ledger_keys)
        with ordinality as asked (component, organization_id, key, ordinal)
    join log.commands as found on found.organization_id = asked.organization_id and found.key = asked.key;

    -- Versions of a stream have no gaps, so its newest one says where it is. One look-up each, and no `exists … or …`.
    select array_agg(expected.ordinal) into moved
    from unnest(expected_streams, expected_versions) with ordinality as expected (stream_id, version, ordinal)
    left join lateral (
        select r.version from log.records as r where r.stream_id = expected.stream_id order by r.version desc limit 1
    ) as newest on true
    where expected.version <> coalesce(newest.version, 0);

    select array_agg(claimed.ordinal) into taken
    from unnest(claim_components, claim_organizations, claim_scopes, claim_keys, claim_streams)
        with ordinality as claimed (component, organization_id, scope, key, stream_id, ordinal)
    join log.unique_keys as held
        on held.organization_id = claimed.organization_id and held.scope = claimed.scope and held.key = claimed.key
    where held.stream_id <> claimed.stream_id
    and not exists (
        select from unnest(release_components, release_organizations, release_scopes, release_keys, release_streams)
            as released (component, organization_id, scope, key, stream_id)
        where released = row (claimed.component, held.organization_id, held.scope, held.key, held.stream_id)
    );

    failed := coalesce(failed, '{}');
    if moved is not null then
        failed := failed || array(
            select holding.component from unnest(holding_components, held_expectations) as holding (component, expectation)
            where holding.expectation = any (moved));
    end if;
    if taken is not null then
        failed := failed || array(select claim_components[ordinal] from unnest(taken) as ordinal);
    end if;
    if failed <> '{}' then
        withheld := array(
            select sum(case when ordinal = any (failed) then records else 0 end) over (order by ordinal)
            from unnest(component_records) with ordinality as counted (records, ordinal) order by ordinal);
        record_nths := array(
            select count(*) filter (where component <> all (failed)) over (partition by organization order by ordinal)
            from unnest(record_components, record_organizations) with ordinality as given (component, organization, ordinal)
            order by ordinal);
    end if;

    head := coalesce((select max(position) from log.records), 0);
    organization_heads := array(
        select coalesce((select max(r.organization_seq) from log.records as r where r.organization_id = o.organization_id), 0)
        from unnest(organizations) with ordinality as o (organization_id, ordinal) order by o.ordinal);

    insert into log.records
    select n.position, n.organization_id, n.organization_seq, n.event_id, n.stream_id, n.stream_type, n.version, n.type,
        n.type_version, n.data, n.meta, n.recorded_at,
        sha256('\x00'::bytea || log.leaf(
            n.position, n.organization_id, n.organization_seq, n.event_id, n.stream_id, n.stream_type, n.version, n.type,
            n.type_version, n.recorded_at, n.data, n.meta))
    from (
        select
            head + ordinal - coalesce(withheld[component], 0) as position,
            organizations[organization] as organization_id,
            organization_heads[organization] + nth as organization_seq,
            stream_types[kind] as stream_type, types[kind] as type, type_versions[kind] as type_version,
            event_id, stream_id, version, data, meta, recorded_at
        from unnest(record_components, record_organizations, record_nths, record_kinds, event_ids, stream_ids, versions, datas,
                metas, recorded_ats)
            with ordinality as given (component, organization, nth, kind, event_id, stream_id, version, data, meta,
                recorded_at, ordinal)
        where component <> all (failed)
        offset 0  -- keeps these expressions from being computed again for the leaf
    ) as n;
    get diagnostics appended = row_count;

    insert into log.commands
    select organization_id, key, request, reply,
        case when record = 0 then head + appended else head + record - coalesce(withheld[component], 0) end
    from unnest(ledger_components, ledger_organizations, ledger_keys, ledger_requests, ledger_replies, ledger_records)
        as entered (component, organization_id, key, request, reply, record)
    where reply is not null and component <> all (failed);

    delete from log.unique_keys as held
    using unnest(release_components, release_organizations, release_scopes, release_keys, release_streams)
        as released (component, organization_id, scope, key, stream_id)
    where held.organization_id = released.organization_id and held.scope = released.scope and held.key = released.key
    and held.stream_id = released.stream_id and released.component <> all (failed);

    insert into log.unique_keys
    select distinct claimed.organization_id, claimed.scope, claimed.key, claimed.stream_id
    from unnest(claim_components, claim_organizations, claim_scopes, claim_keys, claim_streams, claim_lasts)
        as claimed (component, organization_id, scope, key, stream_id, lasts)
    left join log.unique_keys as held
        on held.organization_id = claimed.organization_id and held.scope = claimed.scope and held.key = claimed.key
    where claimed.lasts and claimed.component <> all (failed) and held.stream_id is null;

    delete from log.person_keys
    where id in (select key from unnest(erased_components, erased_keys) as erased (component, key) where component <> all (failed));
end
$$;
-- A session plans these statements once, perhaps while the tables are empty: only index look-ups stay right as they grow.
alter function log.append set enable_seqscan = off;
alter function log.append set enable_hashjoin = off;
alter function log.append set enable_mergejoin = off;
alter function log.append set plan_cache_mode = force_generic_plan;
alter function log.append set jit = off;
comment on function log.append is 'Writes the components whose preconditions hold, at gap-free positions in commit order, and names what failed.';
