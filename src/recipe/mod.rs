//! Recipes of `conf/recipes`: read, sent to machines and run there, written from what was changed on one. Knows no screen.
