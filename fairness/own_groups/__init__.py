"""What people say of themselves, freely, and what it tells: only sums of ten people or more are ever shown."""
