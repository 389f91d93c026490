//! The screen at 80x24 and 140x45, and what keys and clicks do.

mod alerts;
mod arming;
mod graphs;
mod keys;
mod palette;
mod past;
mod plain;
mod power;
mod profiles;
mod record;
mod rooms;
mod screens;
pub mod story;
mod terminals;
