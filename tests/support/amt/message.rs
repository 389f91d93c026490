//! Messages of WS-Management as the device reads and writes them; apart from the program's own code for it.

use quick_xml::{Reader, events::Event};

const ADDRESSING: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing";
pub const ENUMERATION: &str = "http://schemas.xmlsoap.org/ws/2004/09/enumeration";
pub const TRANSFER: &str = "http://schemas.xmlsoap.org/ws/2004/09/transfer";

/// A message that came: all its elements that have text, without prefixes, in their order.
pub struct Message {
    pub texts: Vec<(String, String)>,
}

impl Message {
    /// None of what is no XML.
    pub fn read(text: &str) -> Option<Message> {
        let mut reader = Reader::from_str(text);
        let mut message = Message { texts: Vec::new() };
        let mut open: Vec<String> = Vec::new();
        let mut words = String::new();
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) => {
                    open.push(start.local_name().as_ref().to_owned());
                    words.clear();
                }
                Event::Text(text) => words.push_str(&text),
                Event::GeneralRef(name) => words.push_str(quick_xml::escape::resolve_predefined_entity(&name)?),
                Event::End(_) => {
                    let name = open.pop()?;
                    if !words.trim().is_empty() {
                        message.texts.push((name, words.trim().to_owned()));
                    }
                    words.clear();
                }
                Event::Eof => return open.is_empty().then_some(message),
                _ => {}
            }
        }
    }

    /// The text of the first element of this name.
    pub fn text(&self, name: &str) -> &str {
        self.texts.iter().find(|(other, _)| other == name).map_or("", |(_, text)| text.as_str())
    }

    /// The texts of all elements of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.texts.iter().filter(move |(other, _)| other == name).map(|(_, text)| text.as_str())
    }
}

/// What the device says: an action, the resource and a body.
pub struct Answer {
    pub status: u16,
    pub action: String,
    pub resource: String,
    pub body: String,
}

impl Answer {
    pub fn new(action: impl Into<String>, resource: &str, body: impl Into<String>) -> Answer {
        Answer { status: 200, action: action.into(), resource: resource.to_owned(), body: body.into() }
    }

    /// A refusal.
    pub fn fault(subcode: &str, reason: &str) -> Answer {
        let body = format!(
            "<a:Fault><a:Code><a:Value>a:Sender</a:Value><a:Subcode><a:Value>{subcode}</a:Value></a:Subcode></a:Code>\
             <a:Reason><a:Text xml:lang=\"en-US\">{reason}</a:Text></a:Reason><a:Detail></a:Detail></a:Fault>"
        );
        Answer { status: 400, action: format!("{ADDRESSING}/fault"), resource: String::new(), body }
    }

    /// As it goes over the wire, in answer to the message of this number.
    pub fn envelope(&self, relates: &str, number: usize) -> String {
        let Answer { action, resource, body, .. } = self;
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a:Envelope xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\" \
             xmlns:b=\"{ADDRESSING}\" xmlns:c=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><a:Header><b:To>{ADDRESSING}/role/anonymous</b:To>\
             <b:RelatesTo>{relates}</b:RelatesTo><b:Action a:mustUnderstand=\"true\">{action}</b:Action>\
             <b:MessageID>uuid:00000000-8086-8086-8086-{number:012X}</b:MessageID><c:ResourceURI>{resource}</c:ResourceURI>\
             </a:Header><a:Body>{body}</a:Body></a:Envelope>"
        )
    }
}

/// An instance of a class as XML.
pub fn instance(resource: &str, class: &str, fields: &[(&str, &str)]) -> String {
    let fields: String = fields.iter().map(|(name, value)| format!("<h:{name}>{value}</h:{name}>")).collect();
    format!("<h:{class} xmlns:h=\"{resource}\">{fields}</h:{class}>")
}
