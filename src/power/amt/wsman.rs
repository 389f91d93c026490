//! WS-Management (DMTF DSP0226) as AMT speaks it: what is sent, and what an answer says; pure.

use super::xml::{self, Element, escaped};
use std::fmt::Write;

const ADDRESSING: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing";
const ANONYMOUS: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous";
const ENUMERATION: &str = "http://schemas.xmlsoap.org/ws/2004/09/enumeration";
const SOAP: &str = "http://www.w3.org/2003/05/soap-envelope";
const TRANSFER: &str = "http://schemas.xmlsoap.org/ws/2004/09/transfer";
const WSMAN: &str = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd";

/// What is to be done, and its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Gets an instance.
    Get,
    /// Changes an instance to these values.
    Put(Vec<(String, String)>),
    /// Takes an instance out.
    Delete,
    /// Begins to list the instances.
    Enumerate,
    /// Lists the next instances.
    Pull {
        /// Where it stands.
        context: String,
    },
    /// Calls a method.
    Invoke {
        /// Its name.
        method: &'static str,
        /// Its arguments as XML in the namespace `r`.
        input: String,
    },
}

/// The namespace of a class, by the begin of its name.
pub fn namespace(class: &str) -> String {
    let schema = match class.split_once('_').map(|(begin, _)| begin) {
        Some("AMT") => "http://intel.com/wbem/wscim/1/amt-schema/1/",
        Some("IPS") => "http://intel.com/wbem/wscim/1/ips-schema/1/",
        _ => "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/",
    };
    format!("{schema}{class}")
}

/// The message that does `verb` to a class, or to the instance that `selectors` choose.
pub fn message(id: u64, verb: &Verb, class: &str, selectors: &[(&str, &str)]) -> String {
    let resource = namespace(class);
    let (action, body) = match verb {
        Verb::Get => (format!("{TRANSFER}/Get"), String::new()),
        Verb::Delete => (format!("{TRANSFER}/Delete"), String::new()),
        Verb::Put(values) => {
            let mut body = format!("<r:{class} xmlns:r=\"{resource}\">");
            for (name, value) in values {
                let _ = write!(body, "<r:{name}>{}</r:{name}>", escaped(value));
            }
            (format!("{TRANSFER}/Put"), body + &format!("</r:{class}>"))
        }
        Verb::Enumerate => (format!("{ENUMERATION}/Enumerate"), format!("<Enumerate xmlns=\"{ENUMERATION}\"/>")),
        Verb::Pull { context } => {
            let context = escaped(context);
            let body = format!(
                "<Pull xmlns=\"{ENUMERATION}\"><EnumerationContext>{context}</EnumerationContext>\
                 <MaxElements>999</MaxElements><MaxCharacters>99999</MaxCharacters></Pull>"
            );
            (format!("{ENUMERATION}/Pull"), body)
        }
        Verb::Invoke { method, input } => (
            format!("{resource}/{method}"),
            format!("<r:{method}_INPUT xmlns:r=\"{resource}\">{input}</r:{method}_INPUT>"),
        ),
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><s:Envelope xmlns:s=\"{SOAP}\" xmlns:a=\"{ADDRESSING}\" xmlns:w=\"{WSMAN}\">\
         <s:Header><a:Action s:mustUnderstand=\"true\">{action}</a:Action><a:To s:mustUnderstand=\"true\">/wsman</a:To>\
         <w:ResourceURI s:mustUnderstand=\"true\">{resource}</w:ResourceURI><a:MessageID>{id}</a:MessageID>\
         <a:ReplyTo><a:Address>{ANONYMOUS}</a:Address></a:ReplyTo><w:OperationTimeout>PT10S</w:OperationTimeout>{}</s:Header>\
         <s:Body>{body}</s:Body></s:Envelope>",
        chosen(selectors, "")
    )
}

/// A reference to an instance of another class, as an argument of a method.
pub fn reference(class: &str, selectors: &[(&str, &str)]) -> String {
    format!(
        "<Address xmlns=\"{ADDRESSING}\">{ANONYMOUS}</Address><ReferenceParameters xmlns=\"{ADDRESSING}\">\
         <w:ResourceURI xmlns:w=\"{WSMAN}\">{}</w:ResourceURI>{}</ReferenceParameters>",
        namespace(class),
        chosen(selectors, &format!(" xmlns:w=\"{WSMAN}\""))
    )
}

/// Selectors with the prefix `w:`, which `declared` declares where nothing around them does.
fn chosen(selectors: &[(&str, &str)], declared: &str) -> String {
    if selectors.is_empty() {
        return String::new();
    }
    let mut set = format!("<w:SelectorSet{declared}>");
    for (name, value) in selectors {
        let _ = write!(set, "<w:Selector Name=\"{}\">{}</w:Selector>", escaped(name), escaped(value));
    }
    set + "</w:SelectorSet>"
}

/// What is in the body of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// The body's first element: an instance, an output; nothing of a body that is empty.
    Body(Element),
    /// It refuses, and why.
    Fault(String),
}

/// Reads an answer; what makes no sense is told in words.
pub fn answer(bytes: &[u8]) -> Result<Said, String> {
    let envelope = xml::read(bytes)?;
    let body = envelope.child("Body").filter(|_| envelope.name == "Envelope");
    let body = body.ok_or_else(|| format!("it is no envelope of SOAP but <{}>", envelope.name))?;
    let Some(first) = body.children.first() else { return Ok(Said::Body(Element::default())) };
    if first.name != "Fault" {
        return Ok(Said::Body(first.clone()));
    }
    let code = first.child("Code").and_then(|code| code.find("Subcode")).and_then(|code| code.value("Value"));
    let reason = first.child("Reason").and_then(|reason| reason.value("Text"));
    // The prefix of a code is of no matter.
    let code = code.map(|code| code.rsplit(':').next().unwrap_or(code));
    let words: Vec<&str> = [code, reason].into_iter().flatten().filter(|words| !words.is_empty()).collect();
    Ok(Said::Fault(if words.is_empty() { "without a reason".to_owned() } else { words.join(": ") }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands in `message` where, without prefixes.
    fn tree(verb: &Verb, class: &str, selectors: &[(&str, &str)]) -> (Element, Option<Element>) {
        let envelope = xml::read(message(7, verb, class, selectors).as_bytes()).unwrap();
        let body = envelope.child("Body").unwrap();
        (envelope.child("Header").unwrap().clone(), body.children.first().cloned())
    }

    #[test]
    fn messages() {
        let (header, body) = tree(&Verb::Get, "AMT_GeneralSettings", &[]);
        assert_eq!(header.value("Action"), Some("http://schemas.xmlsoap.org/ws/2004/09/transfer/Get"));
        assert_eq!(header.value("ResourceURI"), Some("http://intel.com/wbem/wscim/1/amt-schema/1/AMT_GeneralSettings"));
        assert_eq!((header.value("MessageID"), body), (Some("7"), None));

        let (header, _) = tree(&Verb::Delete, "IPS_AlarmClockOccurrence", &[("InstanceID", "a<b & \"c\"")]);
        assert_eq!(
            header.value("ResourceURI"),
            Some("http://intel.com/wbem/wscim/1/ips-schema/1/IPS_AlarmClockOccurrence")
        );
        assert_eq!(header.child("SelectorSet").unwrap().value("Selector"), Some("a<b & \"c\""));

        let input = format!("<r:Source>{}</r:Source>", reference("CIM_BootSourceSetting", &[("InstanceID", "x")]));
        let (header, body) = tree(&Verb::Invoke { method: "ChangeBootOrder", input }, "CIM_BootConfigSetting", &[]);
        let schema = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2";
        assert_eq!(header.value("Action"), Some(&*format!("{schema}/CIM_BootConfigSetting/ChangeBootOrder")));
        let body = body.unwrap();
        assert_eq!(body.name, "ChangeBootOrder_INPUT");
        assert_eq!(body.find("ResourceURI").unwrap().text, format!("{schema}/CIM_BootSourceSetting"));
        assert_eq!(body.find("Selector").unwrap().text, "x");

        let (_, body) = tree(&Verb::Pull { context: "<1>".into() }, "CIM_SoftwareIdentity", &[]);
        assert_eq!(body.unwrap().value("EnumerationContext"), Some("<1>"));
        let values = vec![("BIOSSetup".to_owned(), "true".to_owned())];
        let (_, body) = tree(&Verb::Put(values), "AMT_BootSettingData", &[]);
        assert_eq!(body.unwrap().value("BIOSSetup"), Some("true"));
    }

    #[test]
    fn answers() {
        let of = |body: &str| {
            answer(format!("<a:Envelope xmlns:a=\"{SOAP}\"><a:Body>{body}</a:Body></a:Envelope>").as_bytes())
        };
        let Ok(Said::Body(body)) = of("<h:X_OUTPUT xmlns:h=\"n\"><h:ReturnValue>2</h:ReturnValue></h:X_OUTPUT>") else {
            panic!()
        };
        assert_eq!(body.value("ReturnValue"), Some("2"));
        assert_eq!(of(""), Ok(Said::Body(Element::default())));
        let fault = "<a:Fault><a:Code><a:Value>a:Sender</a:Value><a:Subcode><a:Value>b:DestinationUnreachable</a:Value></a:Subcode>\
                     </a:Code><a:Reason><a:Text xml:lang=\"en-US\">No route</a:Text></a:Reason></a:Fault>";
        assert_eq!(of(fault), Ok(Said::Fault("DestinationUnreachable: No route".to_owned())));
        assert_eq!(of("<a:Fault/>"), Ok(Said::Fault("without a reason".to_owned())));
        assert_eq!(answer(b"<html><Body/></html>"), Err("it is no envelope of SOAP but <html>".to_owned()));
        assert!(answer(b"<a:Envelope><a:Body>").is_err());
    }

    proptest::proptest! {
        #[test]
        fn answers_never_panic(body in "[<>/&;a-e:FaultCodeReasonText \"']{0,200}") {
            let _ = answer(format!("<Envelope><Body>{body}</Body></Envelope>").as_bytes());
        }
    }
}
