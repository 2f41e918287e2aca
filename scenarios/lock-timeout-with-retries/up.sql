ALTER TABLE orders ADD COLUMN is_gift boolean;
