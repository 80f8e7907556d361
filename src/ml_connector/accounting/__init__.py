"""The money: pure functions from domain data and mapping to documents and findings. No I/O, no clock, no database."""
