-- The truth: records, what the append needs to decide, and where the projections stand.

do $$
begin
    if current_setting('server_encoding') <> 'UTF8' then
        raise exception 'the database must be encoded in UTF8: the hashes of the log are made of UTF-8 text';
    end if;
end
$$;

create table log.records (
    position          bigint      primary key check (position > 0),
    organization_id   uuid        not null,
    organization_seq  bigint      not null check (organization_seq > 0),
    event_id          uuid        not null,
    stream_id         uuid        not null,
    stream_type       text        not null,
    version           int         not null check (version > 0),
    type              text        not null,
    type_version      int         not null,
    data              bytea       not null,
    meta              bytea       not null,
    recorded_at       timestamptz not null,
    leaf_hash         bytea       not null,
    unique (stream_id, version),
    unique (organization_id, organization_seq)
);
comment on table log.records is 'Every domain event, in commit order, without gaps. Insert-only.';
comment on column log.records.leaf_hash is 'SHA-256(0x00 || log.leaf(…)): the leaf position - 1 of the Merkle tree (RFC 6962).';

create function log.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'log.% is insert-only: % is refused', tg_table_name, lower(tg_op) using errcode = 'restrict_violation';
end
$$;

create trigger insert_only before update or delete or truncate on log.records
    for each statement execute function log.refuse_change();

create view log.readable as
select
    position, organization_id, organization_seq, event_id, stream_id, stream_type, version, type, type_version,
    convert_from(data, 'UTF8')::jsonb as data,
    convert_from(meta, 'UTF8')::jsonb as meta,
    recorded_at,
    encode(leaf_hash, 'hex') as leaf_hash
from log.records;
comment on view log.readable is 'The records with JSON as jsonb and hashes as hexadecimal text.';

create table log.commands (
    organization_id  uuid   not null,
    key              bytea  not null,
    request          bytea  not null,
    reply            bytea  not null,
    position         bigint not null,
    primary key (key, organization_id)  -- in this order the first column alone decides nearly every comparison
);
comment on table log.commands is 'The idempotency ledger. key and request are keyed hashes; the reply holds ids and versions only.';

create table log.unique_keys (
    organization_id  uuid  not null,
    scope            text  not null,
    key              bytea not null,
    stream_id        uuid  not null,
    primary key (organization_id, scope, key)
);
comment on table log.unique_keys is 'Set-wide unique keys, as keyed hashes, and the stream that holds each.';

create table log.snapshots (
    stream_id        uuid        primary key,
    organization_id  uuid        not null,
    stream_type      text        not null,
    version          int         not null,
    state_version    text        not null,
    state            bytea       not null,
    created_on       timestamptz not null,
    modified_on      timestamptz not null
);
comment on table log.snapshots is 'The newest folded state of a stream: a shortcut, never the truth.';

create table log.organization_secrets (
    organization_id  uuid        primary key,
    wrapped          bytea       not null,
    created_at       timestamptz not null default now()
);

create table log.person_keys (
    id               uuid        primary key,
    organization_id  uuid        not null,
    subject          bytea       not null,
    wrapped          bytea       not null,
    created_at       timestamptz not null default now(),
    unique (organization_id, subject)
);
comment on table log.person_keys is 'The key of each person (subject = keyed hash), wrapped. Deleting a row erases the person''s data everywhere.';

create table log.projections (
    projection  text     not null,
    slot        smallint not null,
    position    bigint   not null default 0,
    epoch       bigint   not null default 0,
    primary key (projection, slot)
);
comment on table log.projections is 'Checkpoints: up to where a projection has applied the records of a slot.';

create table log.projection_leases (
    projection  text        primary key,
    owner       text,
    epoch       bigint      not null default 0,
    expires_at  timestamptz,
    scanned_to  bigint      not null default 0,
    version     int         not null default 0,
    state       text        not null default 'live'
);
comment on table log.projection_leases is 'Which worker runs a projection, until when, and how far it has looked.';

create table log.parked (
    projection       text        not null,
    organization_id  uuid        not null,
    position         bigint      not null,
    error            text        not null,
    parked_at        timestamptz not null default now(),
    primary key (projection, organization_id)
);
comment on table log.parked is 'Organizations that a projection has set aside at a record that it could not apply.';
