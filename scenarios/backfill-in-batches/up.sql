DO $$
DECLARE
    last_id integer := (SELECT max(id) FROM orders);
    done_id integer := 0;
BEGIN
    WHILE done_id < last_id LOOP
        UPDATE orders SET note = '' WHERE note IS NULL AND id > done_id AND id <= done_id + 2000;
        COMMIT;
        done_id := done_id + 2000;
        PERFORM pg_sleep(0.01);
    END LOOP;
END $$;
