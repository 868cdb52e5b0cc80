-- Long-running operations: the state of work that goes on in the background. Not truth, and no part of the log.

create schema operations;

create table operations.operations (
    id               uuid        primary key,
    organization_id  uuid        not null,
    kind             text        not null,
    state            text        not null default 'queued' check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    done             bigint      not null default 0,
    total            bigint,
    created_at       timestamptz not null default now(),
    started_at       timestamptz,
    ended_at         timestamptz,
    results_until    timestamptz,
    principal        jsonb       not null,
    permissions      text[]      not null,
    correlation_id   text        not null,
    key              bytea,
    request          bytea,
    parameters       bytea,
    result           jsonb       not null default '{}',
    problem          jsonb,
    outputs          int         default 0,
    cancelled        boolean     not null default false,
    epoch            bigint      not null default 0,
    attempt          int         not null default 0,
    free_at          timestamptz not null default now(),
    unique (organization_id, key),
    check ((ended_at is null) = (state in ('queued', 'running')))
);
comment on table operations.operations is 'Work that takes longer than a client waits for, and how far it is.';
comment on column operations.operations.principal is 'In whose name it is done, by ids.';
comment on column operations.operations.key is 'Keyed hash of the idempotency key; request is that of what was asked.';
comment on column operations.operations.parameters is 'Sealed under the organization''s secret; removed when the operation ends.';
comment on column operations.operations.outputs is 'How many pieces of output there are; NULL when they have been removed.';
comment on column operations.operations.cancelled is 'Somebody has asked to stop it.';
comment on column operations.operations.free_at is 'Until then it belongs to the process that claimed it, or rests before the next attempt.';

create index on operations.operations (organization_id, id desc);
create index on operations.operations (id) where ended_at is null;
create index on operations.operations (ended_at) where ended_at is not null;

create table operations.inputs (
    operation_id  uuid   not null references operations.operations on delete cascade,
    number        int    not null,
    piece         bytea  not null,
    primary key (operation_id, number)
);
comment on table operations.inputs is 'What an operation works on, sealed, in pieces; removed when it ends.';

create table operations.outputs (
    operation_id  uuid   not null references operations.operations on delete cascade,
    number        int    not null,
    piece         bytea  not null,
    primary key (operation_id, number)
);
comment on table operations.outputs is 'What an operation has made, sealed, in pieces; removed some time after it has ended.';

-- What is sealed cannot be compressed: do not try.
alter table operations.inputs alter column piece set storage external;
alter table operations.outputs alter column piece set storage external;
