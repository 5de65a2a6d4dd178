"""The one-command machine: PostgreSQL, Valkey and the site, started and stopped as one."""
