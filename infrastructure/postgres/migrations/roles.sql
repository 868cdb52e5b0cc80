-- Repeated at every migration, by Python, after the numbered files: what the two roles may do.

grant usage on schema log to stagebook_appender, stagebook_projector;

grant select, insert on log.records, log.commands, log.organization_secrets to stagebook_appender;
grant select, insert, update on log.snapshots to stagebook_appender;
grant select, insert, delete on log.unique_keys, log.person_keys to stagebook_appender;
grant select on log.projections, log.projection_leases, log.parked, log.migrations to stagebook_appender;
revoke execute on function log.append from public;
grant execute on function log.append to stagebook_appender;

grant usage on schema operations to stagebook_appender;
grant select, insert, update, delete on all tables in schema operations to stagebook_appender;

grant select on log.records, log.readable, log.organization_secrets, log.person_keys, log.migrations to stagebook_projector;
grant select, insert, update, delete on log.projections, log.projection_leases, log.parked to stagebook_projector;

-- The projector makes, swaps and drops the schemas of the read models.
do $$
begin
    execute format('grant create on database %I to stagebook_projector', current_database());
end
$$;
create schema if not exists read authorization stagebook_projector;
create schema if not exists deadlines authorization stagebook_projector;
