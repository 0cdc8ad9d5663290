"""The rules of the store without any I/O: beliefs, carts, prices, money."""
