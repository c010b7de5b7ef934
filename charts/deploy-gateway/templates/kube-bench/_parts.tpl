{{- /* What kube-bench looks at on a node, each mounted read-only where it is. */}}
{{- define "kube-bench.paths" -}}
etc-cni: /etc/cni/net.d
etc-group: /etc/group
etc-kubernetes: /etc/kubernetes
etc-passwd: /etc/passwd
etc-systemd: /etc/systemd
lib-systemd: /lib/systemd
opt-cni: /opt/cni/bin
srv-kubernetes: /srv/kubernetes
var-lib-cni: /var/lib/cni
var-lib-etcd: /var/lib/etcd
var-lib-kube-controller-manager: /var/lib/kube-controller-manager
var-lib-kube-scheduler: /var/lib/kube-scheduler
var-lib-kubelet: /var/lib/kubelet
{{- end }}

{{- /* What it is started with for one class of nodes, as JSON. Takes root, and class. */}}
{{- define "kube-bench.args" -}}
{{- $version := .root.Capabilities.KubeVersion }}
{{- $which := list "--version" (printf "%s.%s" $version.Major (regexFind "[0-9]+" $version.Minor)) }}
{{- with .root.Values.kubeBench.benchmark }}{{ $which = list "--benchmark" . }}{{ end }}
{{- concat (list "run" "--targets" (join "," .class.targets)) $which (list "--json") | toJson }}
{{- end }}
