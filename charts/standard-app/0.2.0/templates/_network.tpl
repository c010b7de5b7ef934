{{/* Pods of an App, its hooks included: dict "app" "namespace". */}}
{{- define "pods-of" -}}
- namespaceSelector:
    matchLabels: {kubernetes.io/metadata.name: {{ .namespace | quote }}}
  podSelector:
    matchExpressions:
      - {key: app.kubernetes.io/name, operator: In, values: [{{ .app | quote }}, {{ printf "%s-hooks" .app | quote }}]}
{{- end }}

{{/* The ports that callers reach, as a NetworkPolicy has them. */}}
{{- define "policy-ports" -}}
- {protocol: TCP, port: {{ .Values.port }}}
{{- range .Values.ports }}
- {protocol: {{ if eq .protocol "udp" }}UDP{{ else }}TCP{{ end }}, port: {{ .port }}}
{{- end }}
{{- end }}

{{/* Whom the App, and its hooks, may call. */}}
{{- define "egress" -}}
- to:
    - namespaceSelector:
        matchLabels: {kubernetes.io/metadata.name: kube-system}
      podSelector:
        matchLabels: {k8s-app: kube-dns}
  ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
{{- if eq .Values.mesh "istio" }}
- to:
    - namespaceSelector:
        matchLabels: {kubernetes.io/metadata.name: istio-system}
      podSelector:
        matchLabels: {app: istiod}
  ports:
    - {protocol: TCP, port: 15012}
{{- end }}
{{- range .Values.allow.to }}
{{- if .app }}
- to:
    {{- include "pods-of" . | nindent 4 }}
{{- else }}
# A NetworkPolicy knows no host names: the port is opened to addresses outside, and the mesh holds the name.
- to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except: [10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16]
  ports:
    - {protocol: TCP, port: {{ .port }}}
{{- end }}
{{- end }}
{{- end }}

{{- define "metrics-port" -}}
{{ .Values.metrics.port | default .Values.port }}
{{- end }}
