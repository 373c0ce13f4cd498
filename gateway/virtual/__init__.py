"""A home without hardware: virtual controllers and devices that speak as the real ones do."""
