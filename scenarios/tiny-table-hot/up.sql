ALTER TABLE shipping_methods ADD COLUMN delivery_days smallint;
