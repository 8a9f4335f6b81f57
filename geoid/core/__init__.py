"""What geoid knows: values, use cases, codecs. Imports the standard library, numpy, h3 and zstandard only."""
