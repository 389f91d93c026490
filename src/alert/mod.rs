//! Alerts: rules over events, decided purely, and how they are told. Knows no server and no screen.
