{{/* Where a container may write, and what it finds: dict "root" "hook" "apart". One that stands apart has /tmp only. */}}
{{- define "mounts" -}}
{{- $root := .root -}}
{{- if not (and (not .apart) (include "scratches-tmp" $root)) }}
- {name: tmp, mountPath: /tmp}
{{- end }}
{{- if not .apart }}
{{- range $index, $one := $root.Values.scratch }}
- {name: {{ printf "scratch-%d" $index }}, mountPath: {{ $one.path | quote }}}
{{- end }}
{{- range $index, $one := $root.Values.files }}
- {name: files, mountPath: {{ $one.path | quote }}, subPath: {{ printf "file-%d" $index }}, readOnly: true}
{{- end }}
{{- if not .hook }}
{{- range $root.Values.volumes }}
- {name: {{ .name | quote }}, mountPath: {{ .path | quote }}{{ if .readOnly }}, readOnly: true{{ end }}}
{{- end }}
{{- if $root.Values.kubernetesApi }}
- {name: kubernetes-api, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "scratches-tmp" -}}
{{- range .Values.scratch }}{{ if eq .path "/tmp" }}yes{{ end }}{{ end -}}
{{- end }}

{{/* The pod's volumes: dict "root" "hook". */}}
{{- define "volumes" -}}
{{- $root := .root -}}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- range $index, $one := $root.Values.scratch }}
- name: {{ printf "scratch-%d" $index }}
  emptyDir:
    sizeLimit: {{ $one.size | quote }}
    {{- if $one.memory }}
    medium: Memory
    {{- end }}
{{- end }}
{{- if $root.Values.files }}
- name: files
  projected:
    defaultMode: 0440
    sources:
      {{- if include "file-texts" $root }}
      - configMap:
          name: {{ if .hook }}{{ include "hooks" $root | quote }}{{ else }}{{ printf "%s-files" $root.Values.app | quote }}{{ end }}
          items:
            {{- range $index, $one := $root.Values.files }}
            {{- if hasKey $one "text" }}
            - {key: {{ printf "file-%d" $index }}, path: {{ printf "file-%d" $index }}}
            {{- end }}
            {{- end }}
      {{- end }}
      {{- $hook := .hook }}
      {{- range $index, $one := $root.Values.files }}
      {{- if $one.secret }}
      - secret:
          name: {{ include "secret-name" (list $root $one.secret $hook) | quote }}
          items: [{key: {{ $one.key | quote }}, path: {{ printf "file-%d" $index }}}]
      {{- else if $one.configMap }}
      - configMap:
          name: {{ $one.configMap | quote }}
          items: [{key: {{ $one.key | quote }}, path: {{ printf "file-%d" $index }}}]
      {{- end }}
      {{- end }}
{{- end }}
{{- if not .hook }}
{{- range $root.Values.volumes }}
{{- if or .existing (ne $root.Values.workload "stateful") .shared }}
- name: {{ .name | quote }}
  persistentVolumeClaim:
    claimName: {{ .existing | default (printf "%s-%s" $root.Values.app .name) | quote }}
    {{- if .readOnly }}
    readOnly: true
    {{- end }}
{{- end }}
{{- end }}
{{- if $root.Values.kubernetesApi }}
# Asked for by name: a token that ends within the hour, where every client looks for it. Nothing is mounted unasked.
- name: kubernetes-api
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken: {path: token, expirationSeconds: 3600}
      - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
      - downwardAPI: {items: [{path: namespace, fieldRef: {apiVersion: v1, fieldPath: metadata.namespace}}]}
{{- end }}
{{- end }}
{{- end }}

{{- define "file-texts" -}}
{{- range .Values.files }}{{ if hasKey . "text" }}yes{{ end }}{{ end -}}
{{- end }}

{{/* The texts of files, as the data of a ConfigMap: printed as they are, never evaluated. */}}
{{- define "file-data" -}}
{{- range $index, $one := .Values.files }}
{{- if hasKey $one "text" }}
{{ printf "file-%d" $index }}: {{ toJson $one.text }}
{{- end }}
{{- end }}
{{- end }}
