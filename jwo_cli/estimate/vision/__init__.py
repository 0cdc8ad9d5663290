"""From key points in several cameras to bodies and hands in the store, and hands at shelves."""
