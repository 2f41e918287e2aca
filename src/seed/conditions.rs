//! What CHECK constraints ask of the columns.

mod expr;
