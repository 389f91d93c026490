# For {{ machine.hostname }}.
{ config, lib, pkgs, ... }:
{
  imports = [ ./hardware-configuration.nix ];
  boot.loader.grub = { enable = true; device = "{{ machine.disk | default("/dev/sda") }}"; efiSupport = true; efiInstallAsRemovable = true; };
  boot.loader.efi.efiSysMountPoint = "/boot";
  networking.hostName = "{{ machine.hostname }}";
  networking.domain = "{{ segment.domain }}";
  time.timeZone = "{{ machine.timezone | default("Etc/UTC") }}";
  services.openssh.enable = true;
{%- if secret.password is defined %}
  users.users.root.hashedPassword = "{{ secret.password }}";
{%- endif %}
  users.users.root.openssh.authorizedKeys.keys = [
{%- for key in machine.sshkeys | default("") | lines %}
    "{{ key | replace("\\", "") | replace('"', "") }}"
{%- endfor %}
  ];
  system.stateVersion = "{{ machine.release | default("25.05") }}";
}
