ALTER TABLE events VALIDATE CONSTRAINT events_user_id_fkey;
