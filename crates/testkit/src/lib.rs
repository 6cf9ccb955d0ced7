//! Development only: a simulated world for tests.
