//! What is counted of a counter, rule by rule, and against a brute force over everything that was exposed.
