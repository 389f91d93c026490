//! What the keys of the timeline change: the present or the past, and which moment of it. Pure.

use super::{
    keys::Wish,
    model::{Dialog, Model, Pane},
    update::Effect,
};
use crate::state::past::Go;
use jiff::SignedDuration;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Follows a wish that is about the past.
pub fn follow(model: &mut Model, wish: Wish) -> Effect {
    Effect::Go(match wish {
        Wish::Timeline if model.travelling => return leave(model),
        Wish::Timeline => {
            model.travelling = true;
            model.word = Some("looking into the journal".to_owned());
            Go::Open
        }
        Wish::EventBack => Go::Step(-1),
        Wish::EventOn => Go::Step(1),
        Wish::MinuteBack => Go::Jump(-MINUTE),
        Wish::MinuteOn => Go::Jump(MINUTE),
        Wish::HourBack => Go::Jump(-HOUR),
        Wish::HourOn => Go::Jump(HOUR),
        Wish::ToBegin => Go::Begin,
        Wish::ToEnd => Go::End,
        Wish::Play => Go::Play,
        Wish::Faster => Go::Speed(1),
        Wish::Slower => Go::Speed(-1),
        Wish::Moment => {
            model.dialog = Some(Dialog::Moment(String::new(), None));
            return Effect::None;
        }
        _ => return Effect::None,
    })
}

/// Back to the present.
pub fn leave(model: &mut Model) -> Effect {
    (model.travelling, model.past) = (false, None);
    Effect::Go(Go::Close)
}

/// The past is there: panes that were paused show it too, and those that grow show the last before its moment.
pub fn enter(model: &mut Model) {
    model.word = None;
    for pane in Pane::ALL {
        let place = &mut model.places[pane as usize];
        (place.frozen, place.follow) = (None, pane.grows());
    }
}
