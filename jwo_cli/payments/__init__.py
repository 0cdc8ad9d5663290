"""Payment providers behind one protocol; the only room that speaks HTTP to them, and the sole owner of httpx."""
