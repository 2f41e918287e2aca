//! What of a dump goes to psql.

use super::*;

fn pass(sql: &str) -> Result<String, String> {
    let mut script = Script::new(Version(150_018), true);
    let mut out = Vec::new();
    for line in sql.split_inclusive('\n') {
        script.line(line.as_bytes(), &mut out)?;
    }
    script.end()?;
    Ok(String::from_utf8(out).unwrap())
}

fn check(sql: &str, expected: &str) {
    assert_eq!(pass(sql).unwrap(), expected);
}

fn refuse(sql: &str, part: &str) {
    let message = pass(sql).unwrap_err();
    assert!(message.contains(part), "{message}");
}

#[test]
fn owners_and_rights_stay_behind() {
    check(
        "CREATE TABLE t (a int);\nALTER TABLE public.t OWNER TO prod;\nGRANT SELECT ON TABLE t TO app,\n  other;\n\
         REVOKE ALL ON SCHEMA public FROM PUBLIC;\nSET default_tablespace = '';\nSELECT 1;\n",
        "CREATE TABLE t (a int);\nSELECT 1;\n",
    );
    check(
        "CREATE DATABASE prod WITH TEMPLATE = template0;\n\\connect prod\n\\restrict x\nSELECT 1;\n\\unrestrict x\n",
        "SELECT 1;\n",
    );
}

#[test]
fn what_only_looks_like_a_statement_is_kept() {
    let function = "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $_$\nBEGIN\nGRANT a TO b;\n\\connect x\nEND; $_$;\n";
    check(function, function);
    let rows = "COPY t (a) FROM stdin;\nGRANT x TO y;\n\\N\n'\n\\.\n";
    check(&format!("{rows}GRANT a TO b;\n"), rows);
    let string = "INSERT INTO t VALUES ('it''s\nGRANT a TO b;\n');\nINSERT INTO t VALUES (E'\\'\nREVOKE a;\n');\n";
    check(string, string);
    let comment = "/* a /* b */\nGRANT a TO b;\n*/ SELECT \"\nGRANT\";\n";
    check(comment, comment);
    let dollars = "SELECT a$b, c$d;\nSELECT $1;\n";
    check(&format!("{dollars}GRANT a TO b;\n"), dollars);
}

#[test]
fn a_policy_gets_the_roles_that_it_is_for() {
    let out = pass(
        "CREATE POLICY p ON t FOR SELECT TO app, \"Odd \"\"one\", PUBLIC USING ((a = 1));\nCREATE POLICY q ON t TO app;\n",
    )
    .unwrap();
    assert_eq!(out.matches("CREATE ROLE \"app\";").count(), 1, "{out}");
    assert!(out.contains("CREATE ROLE \"Odd \"\"one\";"), "{out}");
    assert!(!out.contains("ROLE \"PUBLIC\""), "{out}");
    assert!(out.ends_with("CREATE POLICY q ON t TO app;\n"), "{out}");
}

#[test]
fn what_cannot_be_a_snapshot_is_refused() {
    refuse(
        "--\n-- PostgreSQL database dump\n--\n-- Dumped from database version 17.2 (Debian)\n",
        "it is of a PostgreSQL 17, newer than the 15 that it is to be restored into; ask for --postgres 17",
    );
    refuse(
        "--\n-- PostgreSQL database cluster dump\n--\n",
        "dump the one with pg_dump",
    );
    refuse(
        "\\connect a\nSELECT 1;\n\\connect b\n",
        "line 3: \\connect b leads to a second database",
    );
    refuse(
        "SELECT 1;\n\\! rm -rf x\n",
        "line 2: psql's \\! has no place in a snapshot",
    );
    refuse(
        "-- PostgreSQL database dump\nSELECT 1;\n",
        "it breaks off after line 2",
    );
    refuse("COPY t (a) FROM stdin;\n1\n", "it breaks off after line 2");
    assert!(pass("-- Dumped from database version 13.4\n-- PostgreSQL database dump\nSELECT 1;\n-- PostgreSQL database dump complete\n").is_ok());
}
