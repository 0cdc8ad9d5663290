"""One verb a file, thin: parse, call the floor below, print. Nobody imports this package by name but the loader, by string."""
