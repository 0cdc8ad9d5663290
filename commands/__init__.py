"""One verb a file, thin: parse, call the floor below, print.

The loader imports these modules by string; nobody else imports this package.
"""
