//! The screen at 80x24 and 140x45, and what keys and clicks do.

mod keys;
mod past;
mod screens;
mod story;
mod terminals;
