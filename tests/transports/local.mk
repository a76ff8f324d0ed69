# tests/transports
