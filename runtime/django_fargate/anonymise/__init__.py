"""What ``manage.py anonymise`` does with a copy of the database: docs/backups.md says how it is used."""
