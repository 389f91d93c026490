//! A DNS message: the question, and what is answered.

use super::layer::{Layer, counted};
use crate::event::printable;
use hickory_proto::op::{Message, MessageType, ResponseCode};

/// Answers that are shown in the line.
const ANSWERS: usize = 4;
/// The longest name or record that is shown, in characters.
const LONGEST: usize = 200;

/// The layer of a message; `protocol` is DNS or one that has its form. None for what is none.
pub fn layer(protocol: &'static str, bytes: &[u8]) -> Option<Layer> {
    let Ok(message) = Message::from_vec(bytes) else {
        return Some(Layer::new(protocol, format!("{} that are no message", counted(bytes.len(), "byte"))));
    };
    let questions: Vec<String> = message
        .queries
        .iter()
        .map(|query| printable(&format!("{} {}", query.query_type(), query.name()), LONGEST))
        .collect();
    let answers: Vec<String> = message
        .answers
        .iter()
        .map(|record| printable(&format!("{} {}", record.record_type(), record.data), LONGEST))
        .collect();
    let head = &message.metadata;
    let asked = questions.join(", ");
    let words = match head.message_type {
        MessageType::Query => format!("query {asked}"),
        MessageType::Response => {
            let said = match (head.response_code, answers.len()) {
                (ResponseCode::NoError, 0) => "nothing of that type".to_owned(),
                (ResponseCode::NoError, many) if many > ANSWERS => {
                    format!("{} and {} more", answers[..ANSWERS].join(", "), many - ANSWERS)
                }
                (ResponseCode::NoError, _) => answers.join(", "),
                (code, _) => code.to_string(),
            };
            let cut = if head.truncation { ", cut: ask over TCP" } else { "" };
            format!("answer {asked}: {said}{cut}")
        }
    };
    let mut layer = Layer::new(protocol, words).with("id", format!("0x{:04x}", head.id));
    questions.iter().for_each(|question| layer.add("question", question));
    if head.message_type == MessageType::Response {
        layer.add("code", head.response_code);
    }
    for record in &message.answers {
        layer.add("answer", format!("{} {} {} s {}", record.name, record.record_type(), record.ttl, record.data));
    }
    Some(layer)
}
