//! Migration tools as their users have them, run with `--command`: what each does to the tables is in the report.

mod project;
mod bad_ends;
mod python;
mod javascript;
mod ruby;
mod sql;
