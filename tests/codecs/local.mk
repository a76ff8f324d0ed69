# tests/codecs
