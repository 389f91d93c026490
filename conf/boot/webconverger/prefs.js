// Settings of Firefox on {{ machine.hostname }}, read at each start of it: support.mozilla.org/kb/customizing-firefox-using-autoconfig
{% if machine.useragent is defined -%}
pref("general.useragent.override", "{{ machine.useragent | trim | replace("\\", "\\\\") | replace('"', '\\"') }}");
{% endif -%}
{% if machine.certificate is defined -%}
try {
    var certdb = Components.classes["@mozilla.org/security/x509certdb;1"].getService(Components.interfaces.nsIX509CertDB);
    certdb.addCertFromBase64("{{ machine.certificate | replace("-----BEGIN CERTIFICATE-----", "") | replace("-----END CERTIFICATE-----", "") | replace("\n", "") | replace(" ", "") }}", "C,C,C", "");
} catch (error) {
    displayError("certificate", error);
}
{% endif -%}
