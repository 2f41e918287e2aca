ALTER TABLE orders ADD COLUMN is_gift boolean NOT NULL DEFAULT false;
CREATE INDEX orders_gifts ON orders (placed_at) WHERE is_gift;
